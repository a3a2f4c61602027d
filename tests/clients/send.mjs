// Posts the payload on standard input with jsforce, as a script written for an org does; prints what came back.
import { text } from 'node:stream/consumers';
import jsforce from 'jsforce';

const connection = new jsforce.Connection({
  instanceUrl: process.env.SYNC_MONITOR_URL,
  accessToken: process.env.SYNC_MONITOR_TOKEN,
});
const payload = JSON.parse(await text(process.stdin));
try {
  const answer = await connection.apex.post('/dlhub/delivery/sync', payload);
  console.log(JSON.stringify({ answer }));
} catch (error) {
  console.log(JSON.stringify({ error: { name: error.name, code: error.errorCode ?? null, message: error.message } }));
}
