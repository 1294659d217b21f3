import { createApp, h, ref } from 'vue';
import Player from './components/Player.vue';

const query = new URLSearchParams(location.search);
const tracker = query.get('tracker');
const src = ref(query.get('src'));
const app = createApp({ render: () => h(Player, { src: src.value, tracker }) });
app.mount('#app');
Object.assign(globalThis, { change: (url) => (src.value = url), end: () => app.unmount() });
