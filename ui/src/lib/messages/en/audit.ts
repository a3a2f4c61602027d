import { count, items } from '../words';

/** The log of what people and the program did. */
export const audit = {
  log: {
    at: 'Time',
    actor: 'Who',
    action: 'What',
    subject: 'On',
    reason: 'Reason and detail',
    nothing: 'Nothing is in the log yet',
    count: (n: number) => items(n),
    records: (n: number) => (n === 1 ? '1 record' : `${count(n)} records`),
    relay: 'Sync Monitor',
    demo: 'Demo',
    /** By the program's names of what was done; one that is missing here is shown as it came. */
    actions: {
      'item.retry': 'Retried',
      'item.dismiss': 'Dismissed',
      'item.restore': 'Restored',
      'echo.suppress': 'Echo suppressed',
      'org.connect': 'Org connected',
      'org.signIn': 'Sign-in begun',
      'org.signInFailed': 'Sign-in failed',
      'org.test': 'Org tested',
      'org.change': 'Org changed',
      'org.replaced': 'Sandbox refreshed',
      'org.keepAlive': 'Sign-in kept alive',
      'org.disconnect': 'Org disconnected',
      'org.pause': 'Org paused',
      'org.resume': 'Org resumed',
      'org.health': 'Org’s health changed',
      'route.add': 'Route added',
      'route.remove': 'Route removed',
      'route.pause': 'Route paused',
      'route.resume': 'Route resumed',
      'token.create': 'Token created',
      'token.revoke': 'Token revoked',
      'clock.jump': 'Clock was set',
    } as Record<string, string>,
  },
} as const;
