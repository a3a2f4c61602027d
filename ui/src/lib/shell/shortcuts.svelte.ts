import { recall, remember } from '../shared/remember';

const KEY = 'sync-monitor.shortcuts';

/**
 * Whether single letters do something. They can be switched off, since speech
 * input may say one by accident (WCAG 2.1.4).
 */
export class Shortcuts {
  on = $state(recall(KEY) !== 'off');

  /** Switches the letters on or off. */
  set(on: boolean): void {
    this.on = on;
    remember(KEY, on ? 'on' : 'off');
  }
}
