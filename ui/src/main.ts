import { mount } from 'svelte';
import AppView from './App.svelte';
import { App } from './lib/app.svelte';
import { chooseBackend } from './lib/backend';
import { locale } from './lib/messages';
import './styles/tokens.css';
import './styles/base.css';
import './styles/screens.css';

const target = document.getElementById('app');
if (target === null) throw new Error('index.html has no #app');
document.documentElement.lang = locale;
// Not awaited at the top level: a part that is loaded later may need this one.
void chooseBackend().then((backend) =>
  mount(AppView, { target, props: { app: new App(backend) } }),
);
