// The gate with a hand scanner: it types a code and Enter. <form data-gate-scan> keeps the focus in its field, and the same
// code read twice within two seconds is sent once. Where a finger is the pointer the keyboard stays away.
// data-gate-unfinished: the field holds a code that lacks its digits, and they are typed after it.
const AGAIN = 2000;

document.querySelectorAll('[data-gate-scan]').forEach((form) => {
  const field = form.elements.code;
  // What a scanner typed before this script ran stays; what the page came with makes room for the next code.
  const focus = () => {
    field.focus({ preventScroll: true });
    if ('gateUnfinished' in form.dataset) field.setSelectionRange(field.value.length, field.value.length);
    else if (field.value === field.defaultValue) field.select();
  };
  if (window.matchMedia('(pointer: fine)').matches) {
    focus();
    // A scanner types wherever the focus is: what is typed outside of a field belongs here.
    document.addEventListener('keydown', (event) => {
      if (event.ctrlKey || event.altKey || event.metaKey || event.key.length !== 1) return;
      if (event.target.closest('input, select, textarea')) return;
      field.focus();
    });
  }
  form.addEventListener('submit', (event) => {
    const last = JSON.parse(sessionStorage.getItem('gate-last') || '{}');
    const text = field.value.trim();
    if (!text) { event.preventDefault(); return; }
    if (last.text === text && Date.now() - last.at < AGAIN) { event.preventDefault(); field.value = ''; return; }
    sessionStorage.setItem('gate-last', JSON.stringify({ text, at: Date.now() }));
  });
});
