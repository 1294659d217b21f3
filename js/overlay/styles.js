/**
 * The overlay's styles. Blue and orange differ for every kind of colour blindness. What is important of a host comes before all
 * that a page says of it.
 */

export const STYLES = `
:host {
  all: initial !important;
  position: fixed !important;
  z-index: 2147483000 !important;
  inset: auto 12px 12px auto !important;
  width: min(340px, calc(100vw - 24px)) !important;
  color-scheme: light dark !important;
  --ground: #ffffff !important;
  --text: #141a22 !important;
  --quiet: #566170 !important;
  --line: #d6dbe2 !important;
  --peer: #0b62c4 !important;
  --cdn: #d9790b !important;
  --up: #7f8ba0 !important;
  --bad: #b3261e !important;
}
@media (prefers-color-scheme: dark) {
  :host {
    --ground: #151b23 !important;
    --text: #e9edf2 !important;
    --quiet: #9ba7b6 !important;
    --line: #323c49 !important;
    --peer: #4a97f5 !important;
    --cdn: #ffc670 !important;
    --up: #8390a5 !important;
    --bad: #ff8a80 !important;
  }
}
* { box-sizing: border-box; }
[hidden] { display: none !important; }
section {
  display: flex;
  flex-direction: column;
  max-height: min(560px, calc(100vh - 24px));
  overflow: hidden;
  border: 1px solid var(--line);
  border-radius: 10px;
  background: var(--ground);
  color: var(--text);
  box-shadow: 0 6px 24px rgb(0 0 0 / 25%);
  font: 12px/1.45 system-ui, sans-serif;
  font-variant-numeric: tabular-nums;
  text-align: left;
}
header { display: flex; flex: none; }
button {
  padding: 5px 10px;
  border: 1px solid var(--line);
  border-radius: 6px;
  background: var(--ground);
  color: var(--text);
  font: inherit;
  cursor: pointer;
}
button:hover { border-color: var(--quiet); }
:focus-visible { outline: 2px solid var(--peer); outline-offset: -2px; }
.title {
  display: flex;
  flex: 1;
  gap: 8px;
  padding: 9px 12px;
  border: 0;
  text-align: left;
}
.title::after { content: '▴'; margin-left: auto; color: var(--quiet); }
.title[aria-expanded='true']::after { content: '▾'; }
.shut { padding: 9px 12px; border: 0; color: var(--quiet); }
.body { padding: 0 12px 12px; overflow: auto; overscroll-behavior: contain; }
p, dl, dd, ol { margin: 0; padding: 0; }
canvas { display: block; width: 100%; height: 44px; }
.rates { display: grid; grid-template-columns: auto 1fr; gap: 2px 12px; margin-top: 6px; }
.rates div { display: contents; }
dt { color: var(--quiet); }
.rates dd { text-align: right; }
i { display: inline-block; width: 8px; height: 8px; margin-right: 6px; border-radius: 2px; }
i.peer { background: var(--peer); }
i.cdn { background: var(--cdn); }
i.up { background: var(--up); }
.buffer { margin-top: 8px; }
.track { display: block; height: 6px; margin-top: 3px; border-radius: 3px; background: var(--line); }
.fill { display: block; height: 100%; border-radius: 3px; background: var(--quiet); }
details { margin-top: 8px; border-top: 1px solid var(--line); padding-top: 6px; }
summary { font-weight: 600; cursor: pointer; }
.quiet { margin-top: 4px; color: var(--quiet); }
table { width: 100%; margin-top: 4px; border-collapse: collapse; }
th { color: var(--quiet); font-weight: 400; }
th, td { padding: 1px 0; text-align: right; white-space: nowrap; }
th:nth-child(-n + 2), td:nth-child(-n + 2) { text-align: left; }
.pairs { margin-top: 4px; }
.pairs dd { margin-bottom: 4px; overflow-wrap: anywhere; }
.log { max-height: 140px; margin-top: 4px; overflow: auto; list-style: none; }
.log li { overflow-wrap: anywhere; }
.log .peer { color: var(--peer); }
.log .bad { color: var(--bad); }
.diagnosis { display: flex; flex-wrap: wrap; gap: 6px; margin-top: 10px; }
pre {
  width: 100%;
  max-height: 220px;
  margin: 0;
  padding: 8px;
  overflow: auto;
  border: 1px solid var(--line);
  border-radius: 6px;
  font: 11px/1.45 ui-monospace, monospace;
  white-space: pre-wrap;
  overflow-wrap: anywhere;
}
@media (prefers-reduced-motion: no-preference) {
  .fill { transition: width 0.4s; }
}
`;
