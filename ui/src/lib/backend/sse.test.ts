import { describe, expect, it } from 'vitest';
import { SseParser } from './sse';

const STREAM =
  'event: changed\nid: 7\ndata: {"items":["a"]}\n\n: keep-alive\n\ndata: x\ndata: y\n\n';
const EVENTS = [
  { event: 'changed', data: '{"items":["a"]}' },
  { event: 'message', data: 'x\ny' },
];

describe('SseParser', () => {
  it('reads events, comments and several data lines', () => {
    const parser = new SseParser();
    expect(parser.push(STREAM)).toEqual(EVENTS);
    expect(parser.lastEventId).toBe('7');
  });

  it.each(['\n', '\r\n', '\r'])('reads the stream cut anywhere, with line end %j', (lineEnd) => {
    const text = STREAM.replaceAll('\n', lineEnd);
    for (let cut = 0; cut <= text.length; cut += 1) {
      const parser = new SseParser();
      const events = [...parser.push(text.slice(0, cut)), ...parser.push(text.slice(cut))];
      expect(events).toEqual(EVENTS);
    }
    const parser = new SseParser();
    expect([...text].flatMap((letter) => parser.push(letter))).toEqual(EVENTS);
  });

  it('gives nothing for an event that is not complete or has no data', () => {
    const parser = new SseParser();
    expect(parser.push('event: changed\n\n')).toEqual([]);
    expect(parser.push('data: half')).toEqual([]);
    expect(parser.push('\n\n')).toEqual([{ event: 'message', data: 'half' }]);
  });

  it('takes the server at its word about the delay', () => {
    const parser = new SseParser();
    parser.push('retry: 2500\nretry: soon\n\n');
    expect(parser.retryMs).toBe(2500);
  });
});
