"""Strings that try to become something else than text, for every place where text from outside is shown."""

from __future__ import annotations

SCRIPT = "window.__xss=1"

PAYLOADS = (
    f"<script>{SCRIPT}</script>",
    f"</script><script>{SCRIPT}</script>",
    f"<img src=x onerror={SCRIPT}>",
    f'"><img src=x onerror="{SCRIPT}">',
    f"'><svg onload='{SCRIPT}'>",
    f'" onmouseover="{SCRIPT}" autofocus onfocus="{SCRIPT}" x="',
    f"' onclick='{SCRIPT}' x='",
    f"javascript:{SCRIPT}",
    f'https://github.com/a/b"onclick="{SCRIPT}',
    f"</title><script>{SCRIPT}</script>",
    f"</style><script>{SCRIPT}</script>",
    f"</pre></table></details></section></main><script>{SCRIPT}</script>",
    f"--><script>{SCRIPT}</script><!--",
    f"<!--<script>{SCRIPT}",
    f"]]><script>{SCRIPT}</script>",
    f"</svg><svg><script>{SCRIPT}</script>",
    f"<iframe srcdoc='<script>parent.{SCRIPT}</script>'></iframe>",
    f"<math><mtext><table><mglyph><style><img src=x onerror={SCRIPT}>",
    f"<details open ontoggle={SCRIPT}>",
    f"<base href='https://evil.example/'><meta http-equiv=refresh content='0;url=javascript:{SCRIPT}'>",
    "<link rel=stylesheet href=https://evil.example/x.css><style>*{display:none}</style>",
    f"{{{{ ''.__class__ }}}}{{% raw %}}<script>{SCRIPT}</script>",
    "&lt;script&gt;&#60;img src=x&#62;",
    f"\u202e<script>\u2028{SCRIPT}\u2029</script>\u202c\ufeff\u200b",
    f"\x00<scr\x00ipt>{SCRIPT}</scr\x00ipt>\x1b]8;;javascript:{SCRIPT}\x07x\x1b]8;;\x07",
    f"\ud800\udfff<svg/onload={SCRIPT}>\ufffe\U0001ffff",
    "${window.__xss=1}`${window.__xss=1}`\\u003cscript\\u003e",
    f"<x style=animation-name:a onanimationstart={SCRIPT}><form action=javascript:{SCRIPT}><input autofocus>",
    "__proto__",
    "constructor",
)
"""Thirty payloads: tags, attributes, addresses, ends of every element data stands in, controls, template syntax."""
