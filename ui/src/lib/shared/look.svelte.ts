import { recall, remember } from './remember';

/** How close rows stand. */
export const DENSITIES = ['comfortable', 'dense'] as const;

/** One of {@link DENSITIES}. */
export type Density = (typeof DENSITIES)[number];

/** The sizes to choose from, in percent. */
export const ZOOMS = [80, 90, 100, 110, 125, 150, 175, 200] as const;

const DENSITY = 'sync-monitor.density';
const ZOOM = 'sync-monitor.zoom';
const SIDEBAR = 'sync-monitor.sidebar';
/** Below this width the sidebar is narrow unless somebody said otherwise. */
const NARROW = '(max-width: 960px)';

/** The next larger or smaller size; the same at either end. */
export function zoomStep(zoom: number, step: 1 | -1): number {
  const at = ZOOMS.findIndex((size) => size === zoom);
  return ZOOMS[Math.min(ZOOMS.length - 1, Math.max(0, at + step))] ?? 100;
}

/** The looks of the window besides its theme, kept between visits. */
export class Look {
  density = $state<Density>(DENSITIES.find((name) => name === recall(DENSITY)) ?? 'comfortable');
  zoom = $state<number>(ZOOMS.find((size) => String(size) === recall(ZOOM)) ?? 100);

  #sidebar = $state(recall(SIDEBAR));
  #window = window.matchMedia(NARROW);
  #small = $state(false);

  constructor() {
    this.#small = this.#window.matches;
    this.#window.addEventListener('change', () => (this.#small = this.#window.matches));
    this.#apply();
  }

  /** Whether the sidebar shows icons only. */
  get narrow(): boolean {
    return this.#sidebar === null ? this.#small : this.#sidebar === 'narrow';
  }

  /** Shows the sidebar with its words, or without. */
  setNarrow(narrow: boolean): void {
    this.#sidebar = narrow ? 'narrow' : 'wide';
    remember(SIDEBAR, this.#sidebar);
  }

  /** Chooses how close rows stand. */
  chooseDensity(density: Density): void {
    this.density = density;
    remember(DENSITY, density);
    this.#apply();
  }

  /** Chooses the size of everything, in percent. */
  chooseZoom(zoom: number): void {
    this.zoom = zoom;
    remember(ZOOM, String(zoom));
    this.#apply();
  }

  #apply(): void {
    const root = document.documentElement;
    root.dataset['density'] = this.density;
    root.style.setProperty('zoom', this.zoom === 100 ? '' : `${this.zoom}%`);
  }
}
