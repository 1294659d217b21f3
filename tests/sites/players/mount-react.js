import { createElement } from 'react';
import { createRoot } from 'react-dom/client';
import { Player } from './components/Player.jsx';

const query = new URLSearchParams(location.search);
const tracker = query.get('tracker');
const root = createRoot(document.getElementById('app'));
const show = (src) => root.render(createElement(Player, { src, tracker }));
show(query.get('src'));
Object.assign(globalThis, { change: show, end: () => root.unmount() });
