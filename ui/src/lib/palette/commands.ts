import type { App } from '../app.svelte';
import type { Item } from '../backend/backend';
import { itemTitle } from '../items/words';
import { href, itemHref, SCREENS, TABS } from '../router.svelte';
import { clock } from '../shared/clock.svelte';
import { DENSITIES } from '../shared/look.svelte';
import { m } from '../shared/messages';
import { THEMES } from '../shared/theme.svelte';
import { times, TIME_STYLES } from '../shared/times.svelte';
import { keysOf } from '../shell/shortcuts.svelte';
import { pauseEnd, PAUSES } from '../shell/relay.svelte';
import type { Command } from './match';

function screens(app: App): Command[] {
  const go = (address: string) => () => app.router.go(address);
  const welcome: Command = {
    id: 'welcome',
    section: 'screens',
    label: m.nav.welcome,
    run: go(href('welcome')),
  };
  const all = SCREENS.flatMap((screen): Command[] => {
    const label = m.nav[screen];
    const self: Command = {
      id: screen,
      section: 'screens',
      label,
      keys: keysOf(screen),
      run: go(app.router.to(screen)),
    };
    const tabs = TABS[screen].map((tab): Command => {
      const name = m.palette.within(label, m.tabs[tab]);
      return {
        id: `${screen}/${tab}`,
        section: 'screens',
        label: name,
        run: go(app.router.to(screen, tab)),
      };
    });
    return [self, ...tabs];
  });
  return [...all, welcome];
}

function actions(app: App): Command[] {
  const { relay, theme, look, monitor } = app;
  const act = (id: string, label: string, run: () => void, keys?: string): Command => ({
    id,
    section: 'actions',
    label,
    keys,
    run,
  });
  const paused = monitor.status?.relay.paused === true;
  return [
    ...(paused ? [act('resume', m.palette.resume, () => void relay.resume())] : []),
    ...PAUSES.map((pause) =>
      act(`pause/${pause}`, m.palette.pause(m.relay.pauses[pause]), () => {
        void relay.pause(pauseEnd(pause, clock.peek()));
      }),
    ),
    ...TIME_STYLES.map((style) =>
      act(`times/${style}`, m.palette.within(m.times.label, m.times[style]), () =>
        times.choose(style),
      ),
    ),
    ...THEMES.map((choice) =>
      act(`theme/${choice}`, m.palette.within(m.theme.label, m.theme[choice]), () =>
        theme.choose(choice),
      ),
    ),
    ...DENSITIES.map((density) =>
      act(`density/${density}`, m.palette.within(m.density.label, m.density[density]), () =>
        look.chooseDensity(density),
      ),
    ),
    act('sidebar', look.narrow ? m.nav.wide : m.nav.narrow, () => look.setNarrow(!look.narrow)),
    act('help', m.help.title, () => (app.helpOpen = true), keysOf('help')),
  ];
}

function orgs(app: App): Command[] {
  const { monitor, router, orgActions } = app;
  const all: Command = {
    id: 'org/all',
    section: 'orgs',
    label: m.palette.allOrgs,
    run: () => router.chooseOrg(null),
  };
  const each = monitor.orgs.flatMap((org): Command[] => {
    const name = monitor.orgName(org.orgId);
    const detail = `${m.kinds[org.kind]} ${org.username ?? ''} ${org.orgId}`.trim();
    const only: Command = {
      id: `org/${org.orgId}`,
      section: 'orgs',
      label: m.palette.onlyOrg(name),
      detail,
      run: () => router.chooseOrg(org.orgId),
    };
    if (org.health !== 'signInRequired') return [only];
    const signIn: Command = {
      id: `sign-in/${org.orgId}`,
      section: 'orgs',
      label: m.orgs.signInAgainTo(name),
      detail,
      run: () => void orgActions.signInAgain(org),
    };
    return [signIn, only];
  });
  return router.org === null ? each : [all, ...each];
}

/** Everything that the palette can do without asking the program. */
export function commandsOf(app: App): Command[] {
  return [...screens(app), ...actions(app), ...orgs(app)];
}

/** The command that opens a found item. */
export function itemCommand(app: App, item: Item): Command {
  return {
    id: `item/${item.id}`,
    section: 'items',
    label: itemTitle(item),
    detail: `${item.externalIds[0] ?? ''} · ${m.status[item.status]}`,
    run: () => app.router.go(itemHref(item.id)),
  };
}
