import { getContext, setContext } from 'svelte';
import type { Backend } from './backend/backend';
import { ItemActions } from './items/actions.svelte';
import { ItemList } from './items/list.svelte';
import { Monitor } from './monitor.svelte';
import { Router } from './router.svelte';
import { Theme } from './shared/theme.svelte';

/** The parts that every component may use. */
export class App {
  readonly monitor: Monitor;
  readonly actions: ItemActions;
  readonly list: ItemList;
  readonly router = new Router();
  readonly theme = new Theme();
  helpOpen = $state(false);

  constructor(backend: Backend) {
    this.monitor = new Monitor(backend);
    this.actions = new ItemActions(this.monitor);
    this.list = new ItemList(backend, (error) => this.monitor.noteProblem(error));
  }
}

const KEY = Symbol('app');

/** Gives the app to all components below. */
export function provideApp(app: App): App {
  return setContext(KEY, app);
}

/** The app, in any component. */
export function useApp(): App {
  return getContext<App>(KEY);
}
