import type { Component } from 'svelte';

/** One line of a menu. */
export interface MenuItem {
  label: string;
  /** Said more quietly behind the label. */
  detail?: string;
  icon?: Component;
  /** Set for one of several choices: whether it is the chosen one. */
  checked?: boolean;
  run: () => void;
}

/** Lines that belong together, under a heading that is read and may be shown. */
export interface MenuGroup {
  label: string;
  items: MenuItem[];
}

/** The line that a key leads to; null where the key means nothing to a menu. */
export function menuMove(key: string, at: number, labels: readonly string[]): number | null {
  const last = labels.length - 1;
  switch (key) {
    case 'ArrowDown':
      return at >= last ? 0 : at + 1;
    case 'ArrowUp':
      return at <= 0 ? last : at - 1;
    case 'Home':
      return 0;
    case 'End':
      return last;
    default: {
      if (key.length !== 1 || key === ' ') return null;
      const after = [...labels.slice(at + 1), ...labels.slice(0, at + 1)];
      const found = after.findIndex((label) => label.toLowerCase().startsWith(key.toLowerCase()));
      return found < 0 ? null : (at + 1 + found) % labels.length;
    }
  }
}
