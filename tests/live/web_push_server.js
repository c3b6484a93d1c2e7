// Serves web-push-testing on 127.0.0.1 at the port that is given. Its own program would listen on every interface.
const { PushApiModel } = require("web-push-testing/src/PushApiModel");
const WebPushTestingServer = require("web-push-testing/src/server");

const port = Number(process.argv[2]);
const model = new PushApiModel();
const server = new WebPushTestingServer(model, port);
model.notifyUrl = `http://127.0.0.1:${port}/notify/`;
const listen = server._app.listen.bind(server._app);
server._app.listen = (at, then) => listen(at, "127.0.0.1", then);
server.startServer();
