// Serves fauxqs on 127.0.0.1 at the port that is given, after the requests on standard input were answered: nobody sees a
// server that lacks them. Its own program would listen on every interface.
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const [modules, port] = process.argv.slice(2);
const { buildApp } = await import(pathToFileURL(`${modules}/fauxqs/dist/app.js`));
const app = buildApp();
for (const { path, headers, body } of JSON.parse(readFileSync(0, "utf8"))) {
  const response = await app.inject({ method: "POST", url: path, headers, payload: body });
  if (response.statusCode >= 300) {
    console.error(path, response.statusCode, response.body);
    process.exit(1);
  }
}
await app.listen({ port: Number(port), host: "127.0.0.1" });
