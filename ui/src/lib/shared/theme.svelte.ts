import { recall, remember } from './remember';

/** The themes to choose from; `system` follows the desktop. */
export const THEMES = ['light', 'dark', 'system'] as const;

/** One of {@link THEMES}. */
export type ThemeChoice = (typeof THEMES)[number];

const KEY = 'sync-monitor.theme';

/** The chosen theme, kept between visits. */
export class Theme {
  choice = $state<ThemeChoice>(THEMES.find((theme) => theme === recall(KEY)) ?? 'system');

  #desktop = window.matchMedia('(prefers-color-scheme: dark)');

  constructor() {
    this.#apply();
    this.#desktop.addEventListener('change', () => this.#apply());
  }

  /** Chooses a theme. */
  choose(choice: ThemeChoice): void {
    this.choice = choice;
    remember(KEY, choice);
    this.#apply();
  }

  #apply(): void {
    const system = this.#desktop.matches ? 'dark' : 'light';
    document.documentElement.dataset['theme'] = this.choice === 'system' ? system : this.choice;
  }
}
