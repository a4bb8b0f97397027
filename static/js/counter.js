// The counter as one page: <div data-counter data-counter-offline="…" data-counter-broken="…">. Its forms are sent without
// leaving the page, so that the camera, the sound and what was typed stay when the network goes away. The forms carry a
// request number: a tap whose answer was lost is simply tapped again.
import { bill } from './counter-bill.js';
import { beep } from './counter-sound.js';
import { bind as bindScanner } from './scanner.js';
import { word } from './words.js';

const AGAIN = 2000;
const PATIENCE = 15000;
const fine = window.matchMedia('(pointer: fine)').matches;

function tell(box, text) {
  const trouble = box.querySelector('[data-counter-trouble]');
  trouble.textContent = text;
  trouble.hidden = !text;
  if (text) trouble.scrollIntoView({ block: 'nearest' });
}

async function send(box, form, button) {
  const body = new FormData(form, button);
  const answer = await fetch(form.action, {
    method: 'POST', body, credentials: 'same-origin', signal: AbortSignal.timeout(PATIENCE),
  });
  const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
  const next = page.getElementById('counter');
  // Signed out, or something else than a counter: go there the plain way. What was refused (signed in anew in another
  // tab) is at no address that could be opened: the counter is.
  if (!next && answer.status < 400) { location.assign(answer.url); return; }
  if (!next && answer.status < 500) {
    tell(box, word(box, 'counterOld'));
    setTimeout(() => location.assign(location.pathname), AGAIN);
    return;
  }
  if (!next) { tell(box, word(box, 'counterBroken')); return; }
  box.replaceWith(next);
  history.replaceState(null, '', answer.url.includes('/redeem/') ? location.pathname : answer.url);
  bind(next);
  bindScanner(next);
  window.scrollTo(0, 0);
}

function forms(box) {
  box.querySelectorAll('form[data-counter-form]').forEach((form) => {
    form.addEventListener('submit', async (event) => {
      event.preventDefault();
      if (form.dataset.sending || !guard(form)) return;
      form.dataset.sending = '1';
      const button = event.submitter || form.querySelector('[type=submit]');
      button.setAttribute('aria-busy', 'true');
      tell(box, '');
      try {
        await send(box, form, event.submitter);
      } catch (error) {
        tell(box, word(box, navigator.onLine ? 'counterBroken' : 'counterOffline'));
        beep('no');
      } finally {
        delete form.dataset.sending;
        button.removeAttribute('aria-busy');
      }
    });
  });
}

// A hand scanner reads a code twice now and then: the same within two seconds is sent once.
function guard(form) {
  if (!('counterScan' in form.dataset)) return true;
  const text = form.elements.code.value.trim();
  const last = JSON.parse(sessionStorage.getItem('counter-last') || '{}');
  if (!text || (last.text === text && Date.now() - last.at < AGAIN)) return false;
  sessionStorage.setItem('counter-last', JSON.stringify({ text, at: Date.now() }));
  return true;
}

function scan(box) {
  const form = box.querySelector('form[data-counter-scan]');
  if (!form || !fine) return;
  form.elements.code.focus({ preventScroll: true });
}

// Where the phone is, once a day and only when asked for; about 100 m.
function place(box) {
  const ask = box.querySelector('[data-counter-place-box]');
  if (!ask || !navigator.geolocation || !window.isSecureContext || sessionStorage.getItem('counter-place')) return;
  ask.hidden = false;
  ask.querySelector('button').addEventListener('click', () => {
    navigator.geolocation.getCurrentPosition(({ coords }) => {
      sessionStorage.setItem('counter-place', `${coords.latitude.toFixed(3)},${coords.longitude.toFixed(3)}`);
      ask.hidden = true;
    }, () => { ask.hidden = true; }, { timeout: 8000, maximumAge: 300000 });
  });
}

function bind(box) {
  forms(box);
  bill(box);
  scan(box);
  place(box);
  const answer = box.querySelector('[data-counter-sound]');
  if (answer) {
    beep(answer.dataset.counterSound);
    if (navigator.vibrate && !window.matchMedia('(prefers-reduced-motion: reduce)').matches) {
      navigator.vibrate(answer.dataset.counterSound === 'yes' ? 120 : [120, 80, 120]);
    }
  }
  const trouble = () => tell(box, navigator.onLine ? '' : word(box, 'counterOffline'));
  if (!navigator.onLine) trouble();
}

const shown = () => document.querySelector('[data-counter]');
bind(shown());
window.addEventListener('offline', () => tell(shown(), word(shown(), 'counterOffline')));
window.addEventListener('online', () => tell(shown(), ''));
// A scanner types wherever the focus is: what is typed outside of a field belongs to the code.
document.addEventListener('keydown', (event) => {
  if (!fine || event.ctrlKey || event.altKey || event.metaKey || event.key.length !== 1) return;
  if (event.target.closest('input, select, textarea, button, a')) return;
  const form = document.querySelector('form[data-counter-scan]');
  if (form) form.elements.code.focus();
});
