import { mount, unmount } from 'svelte';
import App from './App.svelte';

const app = mount(App, { target: document.getElementById('app') });
Object.assign(globalThis, { change: app.change, end: () => unmount(app) });
