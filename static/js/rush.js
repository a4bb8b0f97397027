// The waiting room of a round: <div data-rush="/vouchers/rounds/7/now.json" data-rush-at="<the server's clock, ms>"
//   data-rush-phase="gathering" data-rush-turn="<ms>" data-rush-share="0.42" …words>
// With a turn: counts down to it by the server's clock, says about which place one has, shows the buttons in [data-rush-claim] at
// the very moment. Nothing here decides anything: the server refuses who is early.
// Where vouchers are kept for the people before (`called_until_ms` of each kind), it waits until they are not.
// Without a turn: loads the page anew, within some seconds, when the round has begun, ended or opened.
import sendClaims, { showGone } from './rush-claim.js';
import serverClock, { clockText } from './server-clock.js';
import { word } from './words.js';

const EVERY = 5000; // the server says more where many look
const AT_THE_TURN = 2000; // so long the button waits for what a look says
const APART = 8000;
const UNSAID = 30; // seconds after which the button comes, whatever was said last
const PATIENCE = 10000; // then a look is given up

function bind(box) {
  const { dataset } = box;
  const clock = serverClock(Number(dataset.rushAt));
  const find = (name) => document.querySelector(`[data-rush-${name}]`);
  const claim = find('claim'), timer = find('clock'), place = find('place');
  const turn = Number(dataset.rushTurn);
  let start = Number(dataset.rushBegins);
  let begins = start;
  let isKept = Boolean(dataset.rushIsKept);
  let isTurn = Boolean(claim) && !claim.hidden;
  let over = false;
  let every = EVERY;
  let isLooked = false;

  // What the page is about now, for who looks up from the buttons.
  const head = (title, lead) => {
    document.getElementById('hero').textContent = title;
    if (find('lead')) find('lead').textContent = lead;
  };

  const begin = () => {
    isTurn = true;
    claim.hidden = false;
    const wait = find('wait');
    if (wait) wait.hidden = true;
    for (const one of [timer, place]) if (one) one.hidden = true;
    head(word(box, 'rushNow'), word(box, 'rushChoose'));
    document.title = `★ ${document.title}`;
    document.getElementById('hero').focus();
  };

  const tick = () => {
    if (isTurn) return;
    const left = Math.ceil((begins - clock.now()) / 1000);
    // Whether the others have left something is said by the next look; where none comes, by the tap.
    if (left <= 0 && !isLooked) { isLooked = true; look().finally(tick); return; }
    if (left <= 0 && !(isKept && left > -UNSAID)) { begin(); return; }
    if (timer) {
      const text = clockText(Math.max(0, left));
      const b = timer.querySelector('b');
      if (b.textContent !== text) b.textContent = text;
      timer.lastChild.textContent = left < 60 ? timer.dataset.unit : '';
    }
    setTimeout(tick, Math.max(50, (begins - clock.now()) % 1000 || 1000));
  };

  const show = ({ phase, present, lots, again_ms: again }) => {
    every = again || EVERY;
    if (!turn) {
      if (phase !== dataset.rushPhase) { over = true; setTimeout(() => location.reload(), Math.random() * APART); }
      return;
    }
    if (place && present) {
      place.textContent = word(box, 'rushPosition', { n: Math.min(present, Math.floor(Number(dataset.rushShare) * present) + 1), present });
    }
    for (const lot of lots) {
      const form = box.querySelector(`[data-rush-lot="${lot.id}"]`);
      const left = form && form.querySelector('[data-rush-left]');
      if (left) left.textContent = lot.left;
      if (form && lot.left === 0) showGone(box, form);
    }
    keep(lots.filter((lot) => lot.left > 0));
    if (phase === 'over') { over = true; location.reload(); }
  };

  // All that is left is kept for people before this one, or no longer so.
  const keep = (lots) => {
    const kept = lots.length > 0 && lots.every((lot) => lot.called_until_ms && turn > lot.called_until_ms);
    const until = kept ? Math.max(turn, Math.min(...lots.map((lot) => lot.held_until_ms))) : turn;
    if (until === start && kept === isKept) return;
    [start, isKept, isLooked] = [until, kept, false];
    // Many wait for the same moment: not all of them look in the same second.
    begins = until > turn ? until + (Math.random() * every) / 10 : until;
    if (!kept || until <= clock.now()) return;
    if (isTurn && !timer) { over = true; setTimeout(() => location.reload(), Math.random() * APART); return; }
    const time = new Date(Math.min(...lots.map((lot) => lot.held_until_ms))).toLocaleTimeString('en-GB', { timeZone: 'Asia/Shanghai' });
    head(word(box, 'rushPlease'), word(box, 'rushKept', { until: time }));
    if (!isTurn) return;
    isTurn = false;
    claim.hidden = true;
    for (const one of [find('wait'), timer, place]) if (one) one.hidden = false;
    tick();
  };

  const look = async (patience = AT_THE_TURN) => {
    const stop = new AbortController();
    const late = setTimeout(() => stop.abort(), patience);
    const asked = performance.now();
    try {
      const found = await fetch(dataset.rush, { cache: 'no-store', signal: stop.signal });
      const answered = performance.now();
      if (found.ok) {
        const live = await found.json();
        clock.look(live.at_ms, asked, answered);
        show(live);
      }
    } catch { /* no network: the clock goes on, and the next look comes */ } finally { clearTimeout(late); }
  };

  const ask = async () => {
    if (!document.hidden) await look(PATIENCE);
    if (!over) setTimeout(ask, every * (1 + Math.random() / 5));
  };

  if (claim) sendClaims(box, claim, () => { over = true; head(word(box, 'rushHave'), ''); });
  if (timer) timer.dataset.unit = timer.lastChild.textContent;
  if (turn && !isTurn) {
    tick();
    document.addEventListener('visibilitychange', () => { if (!document.hidden && !isKept && begins <= clock.now() && !isTurn) begin(); });
  }
  setTimeout(ask, 500 + Math.random() * EVERY);
}

document.querySelectorAll('[data-rush]').forEach(bind);
