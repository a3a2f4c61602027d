import { invoke } from '@tauri-apps/api/core';
import { listen as listenToEvent } from '@tauri-apps/api/event';
import { apiBackend, type RawAnswer, type Transport } from './api';
import type { Backend, Change, ChangeListener } from './backend';
import { Problem } from './backend';

const transport: Transport = async (method, path, body) => {
  try {
    return await invoke<RawAnswer>('api_request', { method, path, body });
  } catch (error) {
    throw new Problem(0, 'UNREACHABLE', '', String(error));
  }
};

function listen(listener: ChangeListener): () => void {
  let stopped = false;
  const unlisten = listenToEvent<Change>('sync-changed', (event) =>
    listener.changed(event.payload),
  );
  unlisten.then(
    () => {
      if (!stopped) listener.connected();
    },
    () => listener.disconnected(),
  );
  return () => {
    stopped = true;
    unlisten.then(
      (stop) => stop(),
      () => undefined,
    );
  };
}

/** A command of the desktop program; its refusals are texts, made errors here. */
async function command<T>(name: string, given?: Record<string, unknown>): Promise<T> {
  try {
    return await invoke<T>(name, given);
  } catch (error) {
    throw new Error(String(error));
  }
}

/** The program's API over the desktop window's bridge. */
export function tauriBackend(): Backend {
  return apiBackend(transport, listen, (url) => command('open_url', { url }), {
    info: () => command('desktop_info'),
    setAutostart: (on) => command('set_autostart', { on }),
    saveFile: (name, text) => command('save_file', { name, text }),
  });
}
