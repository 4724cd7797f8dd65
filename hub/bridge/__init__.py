"""The client of an outside MQTT broker, by aiomqtt."""
