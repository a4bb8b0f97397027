// The words of a page come from the server, in the person's language, as data- attributes:
// word(form, 'slotMany', { n: 2 }) reads data-slot-many="{n} chosen".
export const word = (el, name, values = {}) =>
  (el.dataset[name] || '').replace(/\{(\w+)\}/g, (all, key) => (key in values ? values[key] : all));
