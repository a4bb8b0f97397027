// What a bill comes to, while it is typed: what the customer pays, or how much is missing to the threshold; big keys on
// a phone. \u5143 is the character for yuan.
const fine = window.matchMedia('(pointer: fine)').matches;

function fen(text) {
  const plain = text.normalize('NFKC').replace('。', '.').replace(/[\u00a5\u5143\s]/g, '');
  const found = /^(\d{1,9})(?:\.(\d{0,2}))?$/.exec(plain);
  return found ? Number(found[1]) * 100 + Number((found[2] || '').padEnd(2, '0')) : null;
}

function yuan(amount) {
  return amount % 100 ? (amount / 100).toFixed(2) : String(amount / 100);
}

// What was wrong with the bill that was sent is not wrong with the one that is typed now.
function settle(field) {
  field.removeAttribute('aria-invalid');
  field.closest('.field').querySelectorAll('.field__error').forEach((error) => error.remove());
}

export function bill(box) {
  const form = box.querySelector('form[data-counter-bill]');
  if (!form) return;
  const field = form.elements.bill;
  const sum = form.querySelector('[data-counter-sum]');
  const pays = form.querySelector('[data-counter-pays]');
  const { face, threshold } = form.dataset;
  const show = () => {
    const typed = fen(field.value);
    sum.hidden = typed === null;
    if (typed === null) return;
    const short = Number(threshold) - typed;
    sum.toggleAttribute('data-short', short > 0);
    pays.textContent = short > 0 ? sum.dataset.counterShort.replace('%s', yuan(short)) : `¥${yuan(typed - Number(face))}`;
  };
  // Only what is changed by hand settles what was refused: a page that has just come says why.
  const change = () => {
    show();
    if (fen(field.value) >= Number(threshold)) settle(field);
  };
  form.addEventListener('input', change);
  if (form.elements.place) form.elements.place.value = sessionStorage.getItem('counter-place') || '';
  const keys = form.querySelector('[data-counter-keys]');
  if (!fine) {
    keys.hidden = false;
    field.inputMode = 'none';
    keys.addEventListener('click', (event) => {
      const { key } = event.target.dataset;
      if (!key) return;
      if (key === 'back') field.value = field.value.slice(0, -1);
      else if (field.value.length < 10 && !(key === '.' && field.value.includes('.'))) field.value += key;
      change();
    });
  }
  field.focus({ preventScroll: !fine });
  show();
}
