// Consumes a feed with the npm package soupbintcp: npm_client.js ADDRESS
//
// Says on stderr what it was told, and after every thousand messages the SHA-256 of all of them so
// far, each behind its length.
'use strict';

const { createHash } = require('crypto');
const soupbintcp = require('soupbintcp');

const [host, port] = process.argv[2].split(':');
const client = new soupbintcp.Client({ host, port });
const hash = createHash('sha256');
let count = 0;

const say = (...words) => console.error(...words);
const sayAll = (what) => say(what, count, hash.copy().digest('hex'));

client.on('connect', () => {
  client.login({
    username: 'user',
    password: 'password',
    requestedSession: '',
    requestedSequenceNumber: 1,
  });
});
client.on('accept', ({ session, sequenceNumber }) => {
  say('accepted', session.trim(), sequenceNumber);
});
client.on('reject', ({ rejectReasonCode }) => say('rejected', rejectReasonCode));
client.on('message', (message) => {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(message.length);
  hash.update(length);
  hash.update(message);
  count += 1;
  if (count % 1000 === 0) sayAll('received');
});
client.on('ending', () => say('end of session'));
client.on('error', (error) => say('error', error.message));
client.on('end', () => {
  sayAll('left');
  client.end();
});
