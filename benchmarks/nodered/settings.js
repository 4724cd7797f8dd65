// Headless, and alone: no editor, no projects, nothing asked of the network.
module.exports = {
    uiHost: "127.0.0.1",
    uiPort: Number(process.env.NODE_RED_PORT),
    httpAdminRoot: false,
    telemetry: { enabled: false, updateNotification: false },
    editorTheme: { projects: { enabled: false } },
    externalModules: { autoInstall: false, palette: { allowInstall: false }, modules: { allowInstall: false } },
    credentialSecret: false,
    logging: { console: { level: "warn", metrics: false, audit: false } },
};
