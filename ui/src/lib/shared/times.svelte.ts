import { recall, remember } from './remember';

/** How moments are written: how long ago, in the time of this place, or in UTC as logs have it. */
export const TIME_STYLES = ['relative', 'local', 'utc'] as const;

/** One of {@link TIME_STYLES}. */
export type TimeStyle = (typeof TIME_STYLES)[number];

const KEY = 'sync-monitor.times';

/** The one switch for every moment on the page, kept between visits. */
export class Times {
  style = $state<TimeStyle>(TIME_STYLES.find((style) => style === recall(KEY)) ?? 'relative');

  /** Chooses how moments are written. */
  choose(style: TimeStyle): void {
    this.style = style;
    remember(KEY, style);
  }

  /** Turns to the next way to write them. */
  next(): TimeStyle {
    const at = TIME_STYLES.indexOf(this.style);
    this.choose(TIME_STYLES[(at + 1) % TIME_STYLES.length] ?? 'relative');
    return this.style;
  }
}

/** The switch of the page. */
export const times = new Times();
