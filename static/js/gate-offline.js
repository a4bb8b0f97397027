// <div data-gate-offline data-…> is the gate that works without network (templates/venues/gate_offline.html).
// With network each scan goes to the portal. Without, the signed list of this device answers, a pass is remembered here,
// and what was let in is told later. Its words are data- attributes.
import { askForDigits, part, show, showState } from './gate-board.js';
import { ask, clock, device, gate, load, now, page, refresh, sync } from './gate-link.js';
import { isLive, parse } from './gate-proof.js';
import * as keep from './gate-store.js';
import { word } from './words.js';

const form = part('form');
const TWICE = 2000; // a hand scanner often reads a code twice
const FRESH = 5 * 60000;
const BACK = 60000;

let last = { text: '', at: 0 };
let waiting = null; // a paper pass whose name is being compared

let busy = false;
async function tend() {
  if (busy) return;
  busy = true;
  try {
    if (!gate.csrf || !gate.list || gate.offlineSince || gate.mustSignIn || now() - gate.list.issued_at > FRESH) await refresh();
    await sync();
  } finally {
    busy = false;
    await showState();
  }
}

// --- A pass --------------------------------------------------------------------------------------------------------

async function atThePortal(text, named) {
  const id = await device();
  if (!id || !gate.csrf || !navigator.onLine) return false;
  const said = await ask(`${page.dataset.base}${id}/check/`, { text, named });
  if (!said) return false;
  if (said.paper) { waiting = { text }; show('warn', word(page, 'paper'), `${said.name} · ${said.what}`, true); return true; }
  if (said.name) {
    await keep.useOnce({ code: said.code, at: now() }, null);
    show('ok', word(page, 'letIn', { time: clock(now()) }), `${said.name} · ${said.what}`);
    return true;
  }
  if (!said.message) return false;
  if (said.code === 'pass_needs_digits') askForDigits(text, said.message);
  else show('danger', word(page, 'no'), said.message);
  return true;
}

async function refusal(scanned, found) {
  const seen = (await keep.get('kept', 'seen')) || 0;
  if (!gate.list) return word(page, 'noList');
  if (now() > gate.list.valid_until) return word(page, 'listOver');
  if (now() < seen - BACK || now() < gate.list.issued_at - BACK) return word(page, 'clockMoved');
  if (!scanned) return word(page, 'unknown');
  if (!found) return word(page, 'notListed', { time: clock(gate.list.issued_at) });
  if (!scanned.proof && !found.paper) return word(page, 'digits');
  if (scanned.proof && !(await isLive(scanned.code, scanned.proof, found.keys, now()))) return word(page, 'stale');
  const before = await keep.get('used', scanned.code);
  if (before) return word(page, 'usedAt', { time: clock(before.at) });
  if (found.used) return word(page, 'used');
  if (now() < found.from) return word(page, 'early', { time: clock(found.from) });
  if (now() >= found.until) return word(page, 'over', { time: clock(found.until) });
  return '';
}

async function atThisDevice(text, named) {
  const scanned = parse(text);
  const found = scanned && gate.list && gate.list.passes.find((one) => one.code === scanned.code);
  const why = await refusal(scanned, found);
  if (why && why === word(page, 'digits')) { askForDigits(text, why); return; }
  if (why) { show('danger', word(page, 'no'), why); return; }
  const who = `${found.name}${found.persons > 1 ? ` × ${found.persons}` : ''} · ${found.what}`;
  if (!scanned.proof && !named) { waiting = { text }; show('warn', word(page, 'paper'), who, true); return; }
  const at = Math.round(now());
  const scan = { key: crypto.randomUUID(), code: found.code, at, ticket: gate.list.ticket, name: found.name };
  if (!(await keep.useOnce({ code: found.code, at }, scan))) { show('danger', word(page, 'no'), word(page, 'used')); return; }
  await keep.put('kept', at, 'seen');
  show('ok', word(page, 'letIn', { time: clock(at) }), who);
}

async function check(text, named = false) {
  waiting = null;
  if (!(await atThePortal(text, named))) await atThisDevice(text, named);
  await showState();
}

// --- The page ------------------------------------------------------------------------------------------------------

form.addEventListener('submit', async (event) => {
  event.preventDefault();
  const text = form.elements.code.value.trim();
  form.elements.code.value = '';
  if (text && !(text === last.text && Date.now() - last.at < TWICE)) {
    last = { text, at: Date.now() };
    await check(text);
  }
  const camera = form.querySelector('[data-scanner-start]');
  if (sessionStorage.getItem('scanning') && camera && camera.hidden && !form.querySelector('video').hidden) setTimeout(() => camera.click(), 1500);
  else if (window.matchMedia('(pointer: fine)').matches) form.elements.code.focus();
});
part('yes').addEventListener('click', () => { if (waiting) check(waiting.text, true); });
part('not').addEventListener('click', () => { waiting = null; part('answer').hidden = true; });
part('clear').addEventListener('click', async () => { await keep.clear('conflicts'); await showState(); });
part('register').addEventListener('submit', async (event) => {
  event.preventDefault();
  const given = event.target.elements;
  gate.csrf = given.csrfmiddlewaretoken.value;
  const said = await ask(page.dataset.base, { name: given.name.value });
  if (!said || !said.device) return;
  await keep.put('kept', said.device, 'device');
  await keep.put('kept', page.dataset.venue, 'venue');
  event.target.hidden = true;
  await refresh();
  await tend();
});
window.addEventListener('online', tend);
window.addEventListener('offline', () => { gate.offlineSince = gate.offlineSince || Date.now(); showState(); });
setInterval(tend, 15000);

async function keepThisPage() {
  if (!navigator.serviceWorker) return;
  await navigator.serviceWorker.register('/gate/sw.js', { scope: '/gate/' });
  const worker = await navigator.serviceWorker.ready;
  const parts = performance.getEntriesByType('resource').map((one) => one.name).filter((name) => new URL(name).pathname.startsWith('/static/'));
  worker.active.postMessage({ keep: [...new Set([...parts, ...document.querySelectorAll('script[src], link[rel=stylesheet]')].map((one) => (typeof one === 'string' ? one : one.src || one.href)))] });
  page.dataset.kept = '1';
}

(async () => {
  if ((await keep.get('kept', 'venue')) !== page.dataset.venue) await keep.remove('kept', 'device');
  await load();
  await tend();
  page.dataset.ready = '1';
  await keepThisPage();
})();
