import { apiBackend, type Transport } from './api';
import type { Backend, Change, ChangeListener } from './backend';
import { Problem } from './backend';
import { SseParser } from './sse';

/** Proves to the program that the request comes from its own page. */
const HEADERS = { 'X-Sync-Monitor': '1' };

const FIRST_DELAY_MS = 500;
const LONGEST_DELAY_MS = 10_000;
/** The program sends a comment every 15 s; three missed ones mean a dead stream. */
const SILENCE_MS = 45_000;

const transport: Transport = async (method, path, body) => {
  let response: Response;
  try {
    response = await fetch(path, {
      method,
      body,
      headers: body === null ? HEADERS : { ...HEADERS, 'Content-Type': 'application/json' },
      credentials: 'same-origin',
      cache: 'no-store',
    });
    return { status: response.status, body: await response.text() };
  } catch {
    throw new Problem(0, 'UNREACHABLE', '', '');
  }
};

/** The delay before reconnect number `failures` (counted from 1): doubling, then level. */
export function reconnectDelay(failures: number, firstMs = FIRST_DELAY_MS): number {
  return Math.min(LONGEST_DELAY_MS, firstMs * 2 ** Math.min(failures - 1, 10));
}

/** Waits, but wakes at once when the network or the page comes back. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      window.removeEventListener('online', done);
      document.removeEventListener('visibilitychange', whenVisible);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const whenVisible = () => {
      if (document.visibilityState === 'visible') done();
    };
    const timer = setTimeout(done, ms);
    window.addEventListener('online', done);
    document.addEventListener('visibilitychange', whenVisible);
    signal.addEventListener('abort', done);
  });
}

function listen(listener: ChangeListener): () => void {
  const stop = new AbortController();
  let lastEventId = '';
  let failures = 0;
  let firstDelayMs = FIRST_DELAY_MS;

  async function once(): Promise<void> {
    const connection = new AbortController();
    const abort = () => connection.abort();
    stop.signal.addEventListener('abort', abort);
    let watchdog = setTimeout(abort, SILENCE_MS);
    try {
      const response = await fetch('/api/v1/events', {
        headers: {
          ...HEADERS,
          Accept: 'text/event-stream',
          ...(lastEventId === '' ? {} : { 'Last-Event-ID': lastEventId }),
        },
        credentials: 'same-origin',
        cache: 'no-store',
        signal: connection.signal,
      });
      if (!response.ok || response.body === null) return;
      failures = 0;
      listener.connected();
      const parser = new SseParser();
      parser.lastEventId = lastEventId;
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return;
        clearTimeout(watchdog);
        watchdog = setTimeout(abort, SILENCE_MS);
        for (const { event, data } of parser.push(value)) {
          if (event === 'changed') listener.changed(JSON.parse(data) as Change);
        }
        lastEventId = parser.lastEventId;
        firstDelayMs = parser.retryMs ?? firstDelayMs;
      }
    } catch {
      // A broken stream and a refused connection are the same news: disconnected.
    } finally {
      clearTimeout(watchdog);
      stop.signal.removeEventListener('abort', abort);
    }
  }

  void (async () => {
    while (!stop.signal.aborted) {
      await once();
      if (stop.signal.aborted) return;
      failures += 1;
      listener.disconnected();
      await pause(reconnectDelay(failures, firstDelayMs), stop.signal);
    }
  })();
  return () => stop.abort();
}

/** The program's API over same-origin HTTP: the UI in a browser. */
export function httpBackend(): Backend {
  return apiBackend(transport, listen, async (url) => {
    window.open(url, '_blank', 'noopener,noreferrer');
  });
}
