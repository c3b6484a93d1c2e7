// Sends the notifications on standard input, one JSON object in each line, with @parse/node-apn, and prints what came of each.
const { readFileSync } = require("node:fs");
const apn = require("@parse/node-apn");

const [address, ca, key, keyId, teamId] = process.argv.slice(2);
// The port that is given by itself wins over that of the address.
const port = Number(new URL(`https://${address}`).port);
const provider = new apn.Provider({ address, port, ca: readFileSync(ca), token: { key, keyId, teamId }, production: true });
(async () => {
  for (const line of readFileSync(0, "utf8").trim().split("\n")) {
    const { device, topic, alert, pushType } = JSON.parse(line);
    const note = new apn.Notification({ alert, topic, pushType });
    const { sent, failed } = await provider.send(note, device);
    if (failed[0]?.error) throw failed[0].error;
    const failure = failed[0] && { status: failed[0].status, reason: failed[0].response?.reason };
    console.log(JSON.stringify({ sent: sent.length, failure }));
  }
  await provider.shutdown();
})();
