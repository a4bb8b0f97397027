// The tap of a rush: sends a claim without leaving the page, and says in [data-rush-answer] what came of it.
import { word } from './words.js';

const PATIENCE = 10000; // then no answer is taken for lost

export function showGone(box, form) {
  const button = form.querySelector('button');
  if (!button) return;
  button.disabled = true;
  button.textContent = word(box, 'rushGone');
  form.classList.add('ticket--off');
}

export default function sendClaims(box, claim, whenGot) {
  const answer = document.querySelector('[data-rush-answer]');

  const say = (name, fill) => {
    const made = document.querySelector(`template[data-rush-${name}]`).content.cloneNode(true);
    fill(made);
    answer.replaceChildren(made);
    answer.focus();
  };
  const refuse = (text) => say('refused', (made) => { made.querySelector('[data-rush-why]').textContent = text; });

  const send = async (form, button) => {
    if (form.dataset.sent) return;
    form.dataset.sent = '1';
    button.setAttribute('aria-busy', 'true');
    const stop = new AbortController();
    const late = setTimeout(() => stop.abort(), PATIENCE);
    try {
      const got = await fetch(form.action, {
        method: 'POST', body: new URLSearchParams(new FormData(form)), signal: stop.signal,
        headers: { Accept: 'application/json' }, credentials: 'same-origin',
      });
      const said = await got.json();
      if (got.ok) {
        claim.hidden = true;
        whenGot();
        say('got', (made) => {
          made.querySelector('[data-rush-voucher]').href = said.url;
          made.querySelector('[data-rush-face]').replaceChildren(...form.querySelector('.ticket__face').cloneNode(true).childNodes);
        });
        return;
      }
      if (said.code === 'voucher_sold_out') showGone(box, form);
      refuse(said.message);
    } catch {
      refuse(word(box, 'rushLost'));
    } finally {
      clearTimeout(late);
      delete form.dataset.sent;
      button.removeAttribute('aria-busy');
    }
  };

  claim.addEventListener('submit', (event) => {
    event.preventDefault();
    send(event.target, event.submitter || event.target.querySelector('button'));
  });
}
