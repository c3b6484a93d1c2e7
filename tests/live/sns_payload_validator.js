// Judges the message on standard input with the npm package sns-payload-validator, which insists on Amazon's own address
// for the certificate; the agent's options bring the connection to HOST and PORT all the same.
// Usage: node sns_payload_validator.js HOST PORT
'use strict';
const https = require('https');
const Validator = require('sns-payload-validator');

const [host, port] = process.argv.slice(2);
const requestAgent = new https.Agent({ host, port: Number(port) });
const message = require('fs').readFileSync(0, 'utf8');
new Validator({ requestAgent }).validate(message).then(
  () => console.log('valid'),
  (error) => console.log(`invalid: ${error.message}`),
);
