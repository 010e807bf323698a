<!doctype html>
<html lang="{{language.tag}}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{{heading}}</title>
<link rel="stylesheet" href="{{asset("palette.css")}}">
<link rel="stylesheet" href="{{asset("board.css")}}">
<link rel="icon" href="{{asset("icon.svg")}}" type="image/svg+xml">
% if get("script"):
<script type="module" src="{{asset(script)}}"></script>
% end
</head>
<body>
<header>
  <a class="mark" href="{{visit.access.home if visit else "/operator"}}"><svg viewBox="0 0 24 16" width="21" height="14" aria-hidden="true"><path d="M2 0h20a2 2 0 0 1 2 2v3a3 3 0 0 0 0 6v3a2 2 0 0 1-2 2H2a2 2 0 0 1-2-2v-3a3 3 0 0 0 0-6V2a2 2 0 0 1 2-2z"/></svg>{{say("operators.name")}}</a>
% if visit:
% opens = visit.access.opens
  <nav aria-label="{{say("operators.pages")}}">
%   if opens("board"):
    <a href="/operator"{{!' aria-current="page"' if here == "board" else ""}}>{{say("operators.board")}}</a>
%   end
%   if opens("events"):
    <a href="/operator/events"{{!' aria-current="page"' if here == "events" else ""}}>{{say("operators.events")}}</a>
%   end
%   if opens("orders"):
    <a href="/operator/orders"{{!' aria-current="page"' if here == "orders" else ""}}>{{say("operators.orders")}}</a>
%   end
%   if opens("machine"):
    <a href="/operator/log"{{!' aria-current="page"' if here == "log" else ""}}>{{say("operators.log")}}</a>
%   end
%   if opens("check-in"):
    <a href="/operator/check-in"{{!' aria-current="page"' if here == "check-in" else ""}}>{{say("operators.check-in")}}</a>
%   end
    <a href="/">{{say("operators.sale")}}</a>
  </nav>
% end
  <form class="languages" method="post" action="/language" aria-label="{{say("layout.language")}}">
    <input type="hidden" name="back" value="{{address}}">
% form_id, form_action = get("keeps") or ("", "")
% for other in languages:
%   if other.tag != language.tag and form_id:
    <button class="plain" form="{{form_id}}" formaction="{{form_action}}" formnovalidate name="language" value="{{other.tag}}" lang="{{other.tag}}">{{other.name}}</button>
%   elif other.tag != language.tag:
    <button class="plain" name="to" value="{{other.tag}}" lang="{{other.tag}}">{{other.name}}</button>
%   end
% end
  </form>
% if visit:
  <form method="post" action="/operator/sign-out">
    <input type="hidden" name="csrf" value="{{visit.session.csrf}}">
    <span class="who">{{visit.access.person}}{{" · " if visit.access.person else ""}}{{say(f"operators.as.{visit.access.role}")}}</span>
    <button class="plain">{{say("operators.sign-out")}}</button>
  </form>
% end
</header>
<main>
{{!base}}
</main>
</body>
</html>
