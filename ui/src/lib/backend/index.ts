import type { Backend } from './backend';
import { httpBackend } from './http';

/** The backend of the place the page runs in: the desktop window or a browser. */
export async function chooseBackend(): Promise<Backend> {
  if ('__TAURI_INTERNALS__' in window) {
    // Loaded on demand, so that a browser never fetches the desktop bridge.
    const { tauriBackend } = await import('./tauri');
    return tauriBackend();
  }
  return httpBackend();
}
