// <button data-wait="58" data-wait-words="Again in {n} s">Again</button>: cannot be pressed for so many seconds, and says so.
// Without script the form's [data-wait-note] says it, and the server refuses who comes too early.
import { word } from './words.js';

function start(button) {
  const seconds = Number(button.dataset.wait);
  if (!(seconds > 0)) return;
  const words = button.textContent;
  const until = performance.now() + seconds * 1000;
  const note = button.form && button.form.querySelector('[data-wait-note]');
  if (note) note.hidden = true;
  button.disabled = true;
  const tick = () => {
    const left = Math.ceil((until - performance.now()) / 1000);
    button.textContent = left > 0 ? word(button, 'waitWords', { n: left }) : words;
    if (left > 0) return;
    button.disabled = false;
    clearInterval(timer);
    document.removeEventListener('visibilitychange', tick);
  };
  const timer = setInterval(tick, 1000);
  // A phone that slept shows the right number as soon as it is looked at.
  document.addEventListener('visibilitychange', tick);
  tick();
}

export default (root) => root.querySelectorAll('[data-wait]').forEach(start);
