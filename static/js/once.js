// A form that takes money, places or stock is sent once: a second tap on its button waits for the answer.
export default (root) => root.addEventListener('submit', (event) => {
  const form = event.target;
  if (event.defaultPrevented || form.method !== 'post') return;
  if (form.dataset.sent) { event.preventDefault(); return; }
  form.dataset.sent = '1';
  if (event.submitter) event.submitter.setAttribute('aria-busy', 'true');
  // Back in the browser's history, or a download: the form can be sent again.
  const again = () => { delete form.dataset.sent; if (event.submitter) event.submitter.removeAttribute('aria-busy'); };
  setTimeout(again, 8000);
  window.addEventListener('pageshow', again, { once: true });
});
