import { getContext, setContext } from 'svelte';
import type { Backend } from './backend/backend';
import { ItemActions } from './items/actions.svelte';
import { Holds } from './items/holds.svelte';
import { ItemList } from './items/list.svelte';
import { Monitor } from './monitor.svelte';
import { OrgActions } from './orgs/actions.svelte';
import { OwnQueues } from './orgs/own.svelte';
import { Router } from './router.svelte';
import { Look } from './shared/look.svelte';
import { Theme } from './shared/theme.svelte';
import { Notices } from './shell/notices.svelte';
import { RelayActions } from './shell/relay.svelte';
import { Shortcuts } from './shell/shortcuts.svelte';
import { Welcome } from './welcome/welcome.svelte';

/** The parts that every component may use. */
export class App {
  readonly monitor: Monitor;
  readonly actions: ItemActions;
  readonly orgActions: OrgActions;
  readonly holds: Holds;
  readonly list: ItemList;
  readonly ownQueues: OwnQueues;
  readonly router = new Router();
  readonly notices = new Notices();
  readonly theme = new Theme();
  readonly look = new Look();
  readonly welcome = new Welcome();
  readonly shortcuts = new Shortcuts();
  readonly relay: RelayActions;
  helpOpen = $state(false);
  paletteOpen = $state(false);

  /** What a screen does with a letter; false where it means nothing there. Before every other meaning. */
  screenKeys: ((key: string) => boolean) | null = null;
  /** Puts the focus on a row of the list that is shown, which may be out of sight; null where there is none. */
  focusRow: ((id: string) => void) | null = null;

  constructor(backend: Backend) {
    this.monitor = new Monitor(backend);
    this.relay = new RelayActions(this.monitor, this.notices);
    this.list = new ItemList(this.monitor.backend, (error) => this.monitor.noteProblem(error));
    this.actions = new ItemActions(this.monitor, this.notices, this.list);
    this.ownQueues = new OwnQueues(this.monitor.backend);
    this.orgActions = new OrgActions(this.monitor, this.actions);
    this.holds = new Holds(this.monitor, this.orgActions, this.actions);
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
