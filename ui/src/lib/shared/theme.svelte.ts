/** The themes to choose from; `system` follows the desktop. */
export const THEMES = ['light', 'dark', 'system'] as const;

/** One of {@link THEMES}. */
export type ThemeChoice = (typeof THEMES)[number];

const KEY = 'sync-monitor.theme';

function remembered(): ThemeChoice {
  try {
    const saved = localStorage.getItem(KEY);
    return THEMES.find((theme) => theme === saved) ?? 'system';
  } catch {
    // Storage can be switched off; the theme then lasts as long as the page.
    return 'system';
  }
}

/** The chosen theme, kept between visits. */
export class Theme {
  choice = $state<ThemeChoice>(remembered());

  #desktop = window.matchMedia('(prefers-color-scheme: dark)');

  constructor() {
    this.#apply();
    this.#desktop.addEventListener('change', () => this.#apply());
  }

  /** Chooses a theme. */
  choose(choice: ThemeChoice): void {
    this.choice = choice;
    try {
      localStorage.setItem(KEY, choice);
    } catch {
      // See remembered().
    }
    this.#apply();
  }

  #apply(): void {
    const system = this.#desktop.matches ? 'dark' : 'light';
    document.documentElement.dataset['theme'] = this.choice === 'system' ? system : this.choice;
  }
}
