/** The first run. */
export const welcome = {
  welcome: {
    steps: 'Steps',
    names: { what: 'What it does', begin: 'Begin', background: 'In the background' },
    whatTitle: 'Welcome to Sync Monitor',
    whatText:
      'It hands the work items of one Salesforce org on to another, both ways if you like, and tells you when one of them does not get through: what failed, why, and who can mend it.',
    orgA: 'Your org',
    orgB: 'Their org',
    relay: 'Sync Monitor, on this computer',
    picture:
      'Changes go from your org through Sync Monitor on this computer to the other org, and back.',
    beginTitle: 'How do you want to begin?',
    beginText: 'You can do the other one later: nothing is set in stone.',
    demo: 'Try the demo',
    demoText:
      'Two simulated orgs with real failures to review, and throw-away data. It runs beside this program and touches no Salesforce org.',
    demoHow: 'Run this in a terminal:',
    inDemo: 'This is the demo. Look around: nothing here is real.',
    copy: 'Copy the command',
    copied: 'The command is copied',
    connect: 'Connect the first org',
    connectText:
      'You sign in in your own browser. Nothing is sent anywhere before you make a route.',
    connectMore: 'Connect another org',
    connected: 'Connected',
    backgroundTitle: 'What may it do by itself?',
    backgroundText: 'You can change this at any time in the settings.',
    browser:
      'You see Sync Monitor in a browser. The desktop program can also start with this computer; the switches below are for its notifications.',
    skip: 'Skip',
    next: 'Next',
    finish: 'Go to the overview',
    again: 'You find this page again in the commands, under “Welcome”.',
  },
} as const;
