const MAC = /Mac|iPhone|iPad/.test(navigator.platform);

/** What the key for commands is called here. */
export const MOD = MAC ? '⌘' : 'Ctrl';

/** Whether the key for commands is down, and no other that would change the meaning. */
export function hasMod(event: KeyboardEvent): boolean {
  return (MAC ? event.metaKey && !event.ctrlKey : event.ctrlKey && !event.metaKey) && !event.altKey;
}
