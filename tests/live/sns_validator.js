// Judges the message on standard input with the npm package sns-validator.
// Usage: node sns_validator.js HOST:PORT, the place of the certificate that is to be trusted.
'use strict';
const Validator = require('sns-validator');

const place = process.argv[2].replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
const message = require('fs').readFileSync(0, 'utf8');
new Validator(new RegExp(`^${place}$`)).validate(message, (error) => {
  console.log(error ? `invalid: ${error.message}` : 'valid');
});
