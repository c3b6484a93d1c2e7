// A network that speaks SMPP at the port that is given, and prints a line of JSON for each part that it takes. It lets in who
// shows `fanfare` and `s3cret`. A text with `throttle` in it is refused once (ESME_RTHROTTLED), and one with `nobody` always.
const smpp = require('smpp');

const port = Number(process.argv[2]);
const throttled = new Set();
let last = Number(process.argv[3] || 0);

const text = (message) => (typeof message === 'string' ? message : message.message || '').toString();

smpp.createServer((session) => {
  session.on('bind_transceiver', (pdu) => {
    const right = pdu.system_id === 'fanfare' && pdu.password === 's3cret';
    session.send(pdu.response({ command_status: right ? smpp.ESME_ROK : smpp.ESME_RINVPASWD }));
    if (!right) session.close();
  });
  session.on('enquire_link', (pdu) => session.send(pdu.response()));
  session.on('unbind', (pdu) => { session.send(pdu.response()); session.close(); });
  session.on('submit_sm', (pdu) => {
    const shown = text(pdu.short_message);
    if (shown.includes('throttle') && !throttled.has(shown)) {
      throttled.add(shown);
      return session.send(pdu.response({ command_status: smpp.ESME_RTHROTTLED }));
    }
    if (shown.includes('nobody')) return session.send(pdu.response({ command_status: smpp.ESME_RINVDSTADR }));
    last += 1;
    const id = last.toString(16).toUpperCase();
    const udh = pdu.short_message.udh ? [...pdu.short_message.udh].map((ie) => [...(ie.data || ie)]) : [];
    console.log(JSON.stringify({
      id,
      to: [pdu.dest_addr_ton, pdu.dest_addr_npi, pdu.destination_addr],
      from: [pdu.source_addr_ton, pdu.source_addr_npi, pdu.source_addr],
      text: shown,
      header: udh,
      coding: pdu.data_coding,
    }));
    session.send(pdu.response({ message_id: id }));
    if (pdu.registered_delivery & 1) {
      // The same number in decimal digits, as some networks have it.
      const receipt = `id:${String(last).padStart(10, '0')} sub:001 dlvrd:001 submit date:2601020304 done date:2601020305 `
        + 'stat:DELIVRD err:000 text:';
      session.deliver_sm({
        source_addr: pdu.destination_addr, destination_addr: pdu.source_addr, esm_class: 4, short_message: receipt,
      });
    }
    return undefined;
  });
  session.on('error', () => {});
}).listen(port, '127.0.0.1');
