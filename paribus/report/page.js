"use strict";
// Printing shows everything; a link to something inside a closed part opens that part first.
addEventListener("beforeprint", function () {
  document.querySelectorAll("details").forEach(function (part) { part.open = true; });
});
function reveal() {
  var target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  for (var part = target; part; part = part.parentElement) {
    if (part.tagName === "DETAILS") { part.open = true; }
  }
}
addEventListener("hashchange", reveal);
reveal();
