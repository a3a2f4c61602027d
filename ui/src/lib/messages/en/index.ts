import { audit } from './audit';
import { common } from './common';
import { insights } from './insights';
import { item } from './item';
import { lists } from './lists';
import { orgs } from './orgs';
import { overview } from './overview';
import { packages } from './package';
import { settings } from './settings';
import { shell } from './shell';
import { welcome } from './welcome';

/** Every text that people read, in English; a file for each part of the window. */
export const en = {
  ...common,
  ...shell,
  ...overview,
  ...lists,
  ...item,
  ...orgs,
  ...packages,
  ...audit,
  ...insights,
  ...settings,
  ...welcome,
} as const;
