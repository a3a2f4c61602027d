import { beforeEach, describe, expect, it } from 'vitest';
import { Look, zoomStep } from './look.svelte';

describe('the look', () => {
  beforeEach(() => localStorage.clear());

  it('grows and shrinks in steps, up to an end', () => {
    expect([zoomStep(100, 1), zoomStep(100, -1), zoomStep(200, 1), zoomStep(80, -1)]).toEqual([
      110, 90, 200, 80,
    ]);
  });

  it('is applied to the page and remembered', () => {
    const look = new Look();
    look.chooseDensity('dense');
    look.chooseZoom(125);
    expect(document.documentElement.dataset['density']).toBe('dense');
    const again = new Look();
    expect([again.density, again.zoom]).toEqual(['dense', 125]);
    again.chooseZoom(100);
    expect(document.documentElement.style.getPropertyValue('zoom')).toBe('');
  });

  it('falls back where something else was remembered', () => {
    localStorage.setItem('sync-monitor.zoom', '7');
    localStorage.setItem('sync-monitor.density', 'huge');
    const look = new Look();
    expect([look.density, look.zoom]).toEqual(['comfortable', 100]);
  });

  it('narrows the sidebar by itself only until somebody says otherwise', () => {
    const look = new Look();
    expect(look.narrow).toBe(false);
    look.setNarrow(true);
    expect(new Look().narrow).toBe(true);
  });
});
