// A venue's pin in the staff pages: drag it, click the map, or move it with the arrow
// keys. django-leaflet makes the map and calls `new BureauPin(options).addTo(map)`; the
// districts are the ground, so that it works without tiles and in a closed network.
(function () {
  "use strict";

  var STEP = { ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] };
  var CITY = [35.4, 116.6];
  // Drawn here: Leaflet finds its own pictures by their file names, which change when the
  // static files are collected.
  var PIN = L.divIcon({
    className: "pin-marker",
    html:
      '<svg width="28" height="36" viewBox="0 0 28 36" aria-hidden="true"><path fill="#0f6b4f"' +
      ' stroke="#fff" stroke-width="2" d="M14 35C8 26 2 20 2 13a12 12 0 0 1 24 0c0 7-6 13-12 22z"/>' +
      '<circle cx="14" cy="13" r="4.5" fill="#fff"/></svg>',
    iconSize: [28, 36],
    iconAnchor: [14, 35],
  });

  window.BureauPin = L.Class.extend({
    initialize: function (options) {
      this.options = options;
    },

    addTo: function (map) {
      this._map = map;
      this._field = document.getElementById(this.options.fieldid);
      this._ground(map);
      var stored = this._field.value ? JSON.parse(this._field.value).coordinates : null;
      if (stored) this._place(L.latLng(stored[1], stored[0]));
      map.setView(this._marker ? this._marker.getLatLng() : CITY, this._marker ? 11 : 9);
      if (this.options.modifiable) map.on("click", this._clicked, this);
      map.fire("map:loadfield", { field: this, fieldid: this.options.fieldid });
      return this;
    },

    _ground: function (map) {
      fetch("/regions/boundaries.geojson", { headers: { Accept: "application/geo+json" } })
        .then(function (answer) {
          return answer.json();
        })
        .then(function (districts) {
          L.geoJSON(districts, {
            interactive: false,
            style: { color: "#0f6b4f", weight: 1.5, fillColor: "#d5ebe0", fillOpacity: 0.45 },
            onEachFeature: function (feature, layer) {
              // As text: Leaflet takes a string for HTML.
              var name = document.createElement("span");
              name.textContent = feature.properties.name;
              layer.bindTooltip(name, {
                permanent: true,
                direction: "center",
                className: "pin-district",
              });
            },
          }).addTo(map);
        })
        .catch(function () {
          // Without its ground the map is plain; the pin can be moved all the same.
        });
    },

    _place: function (where) {
      if (this._marker) {
        this._marker.setLatLng(where);
        return;
      }
      var label = this._field.labels && this._field.labels[0];
      this._marker = L.marker(where, {
        icon: PIN,
        title: label ? label.textContent.replace("*", "").trim() : "",
        draggable: this.options.modifiable,
        keyboard: true,
        autoPan: true,
      }).addTo(this._map);
      this._marker.on("dragend", this._store, this);
      this._marker.getElement().addEventListener("keydown", this._pressed.bind(this));
    },

    _clicked: function (event) {
      this._place(event.latlng);
      this._store();
    },

    _pressed: function (event) {
      var step = STEP[event.key];
      if (!step || !this.options.modifiable) return;
      event.preventDefault();
      event.stopPropagation();
      var pixel = this._map.latLngToContainerPoint(this._marker.getLatLng());
      this._marker.setLatLng(this._map.containerPointToLatLng(pixel.add([step[0] * 5, step[1] * 5])));
      this._store();
    },

    _store: function () {
      var where = this._marker.getLatLng().wrap();
      this._field.value = JSON.stringify({
        type: "Point",
        coordinates: [Number(where.lng.toFixed(6)), Number(where.lat.toFixed(6))],
      });
      this._field.dispatchEvent(new Event("change", { bubbles: true }));
    },
  });
})();
