/** One dispatched server-sent event. */
export interface ServerSentEvent {
  /** The event's name; `message` where the stream gives none. */
  event: string;
  data: string;
}

/**
 * An incremental parser of `text/event-stream`.
 *
 * The browser's own EventSource cannot send the request header that the
 * session cookie needs, so the stream is read with fetch and parsed here.
 */
export class SseParser {
  /** The id of the last event, to be sent as Last-Event-ID on reconnect. */
  lastEventId = '';
  /** The server's wish for the reconnect delay in milliseconds. */
  retryMs: number | null = null;
  #rest = '';
  #event = '';
  #data: string[] = [];
  #skipLineFeed = false;

  /** Takes the next piece of the stream and returns the events it completes. */
  push(chunk: string): ServerSentEvent[] {
    let text = chunk;
    if (this.#skipLineFeed && text.startsWith('\n')) text = text.slice(1);
    if (text !== '') this.#skipLineFeed = false;
    // A CR at the end may be half of a CR LF whose LF is in the next piece.
    if (text.endsWith('\r')) this.#skipLineFeed = true;
    const lines = (this.#rest + text).split(/\r\n|\n|\r/);
    this.#rest = lines.pop() ?? '';
    const events: ServerSentEvent[] = [];
    for (const line of lines) this.#line(line, events);
    return events;
  }

  #line(line: string, events: ServerSentEvent[]): void {
    if (line === '') {
      if (this.#data.length > 0) {
        events.push({ event: this.#event || 'message', data: this.#data.join('\n') });
      }
      this.#event = '';
      this.#data = [];
      return;
    }
    const colon = line.indexOf(':');
    if (colon === 0) return;
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'event') this.#event = value;
    else if (field === 'data') this.#data.push(value);
    else if (field === 'id' && !value.includes('\0')) this.lastEventId = value;
    else if (field === 'retry' && /^\d+$/.test(value)) this.retryMs = Number(value);
  }
}
