<!doctype html>
<html lang="{{language.tag}}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{{heading}}</title>
% for sheet in ("palette.css", "style.css", *get("sheets", [])):
<link rel="stylesheet" href="{{asset(sheet)}}">
% end
<link rel="icon" href="{{asset("icon.svg")}}" type="image/svg+xml">
% for script in get("scripts", []):
<script type="module" src="{{asset(script)}}"></script>
% end
</head>
<body{{!f' data-texts="{language.for_scripts}"' if defined("scripts") else ""}}>
<header class="masthead">
  <a class="mark" href="/"><svg viewBox="0 0 24 16" width="24" height="16" aria-hidden="true"><path d="M2 0h20a2 2 0 0 1 2 2v3a3 3 0 0 0 0 6v3a2 2 0 0 1-2 2H2a2 2 0 0 1-2-2v-3a3 3 0 0 0 0-6V2a2 2 0 0 1 2-2z"/></svg>{{say("layout.home")}}</a>
% # What is typed on the page comes along to the other language. The first button of the form is
% # the one that Enter presses, so it must not be one of these.
% typed = f' form="{typed}" formaction="/" formnovalidate' if defined("typed") else ""
% if typed:
  <button class="unseen" form="sale" tabindex="-1" aria-hidden="true"></button>
% end
  <form class="languages" method="post" action="/language" aria-label="{{say("layout.language")}}">
    <input type="hidden" name="back" value="{{address}}">
% for other in languages:
%   if other.tag != language.tag:
    <button name="to" value="{{other.tag}}" lang="{{other.tag}}"{{!typed}}>{{other.name}}</button>
%   end
% end
  </form>
</header>
<main>
{{!base}}
</main>
</body>
</html>
