from devices.cli import app

app(prog_name="python -m devices")
