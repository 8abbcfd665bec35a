import { once } from 'node:events';
import { connect } from 'node:net';

/** Sends what no HTTP client would, as it is; resolves with all that came back when the server hangs up. */
export async function rawRequest(port: number, text: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  let answer = '';
  socket.on('data', (data) => (answer += data.toString()));
  // A reset after the answer is as good an end as any.
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  socket.write(text);
  await once(socket, 'close');
  return answer;
}
