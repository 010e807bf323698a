% from web.operator import formatting
% rebase("page-layout", heading=say("operators.log-title"), here="log")
<h1>{{say("operators.log")}}</h1>
<form class="filters" action="/operator/log">
  <div><label for="source">{{say("operators.source")}}</label>
  <select id="source" name="source"><option value="">{{say("operators.all-sources")}}</option>
% for name in sources:
    <option{{!" selected" if name == search.source else ""}}>{{name}}</option>
% end
  </select></div>
  <div><label for="level">{{say("operators.level")}}</label>
  <select id="level" name="level">
% for level in levels:
    <option value="{{level}}"{{!" selected" if level == search.level else ""}}>{{say(f"operators.level.{level}")}}</option>
% end
  </select></div>
  <div><label for="since">{{say("operators.since")}}</label>
  <select id="since" name="since"><option value="">{{say("operators.ever")}}</option>
% for since in dict.fromkeys(["1m", "10m", "1h", "1d"] + ([search.since] if search.since else [])):
    <option{{!" selected" if since == search.since else ""}}>{{since}}</option>
% end
  </select></div>
  <div><label for="text">{{say("operators.text")}}</label>
  <input id="text" name="text" value="{{search.text}}" maxlength="200"></div>
  <div><label for="order">{{say("operators.order")}}</label>
  <input id="order" name="order" value="{{search.order}}" maxlength="64" spellcheck="false"></div>
  <button>{{say("operators.find")}}</button>
</form>
% if not found.entries:
<p>{{say("operators.no-entries")}}</p>
% else:
<div class="wide" tabindex="0" role="region" aria-label="{{say("operators.log")}}">
<table class="log">
  <thead><tr><th scope="col">{{say("operators.time")}}</th><th scope="col">{{say("operators.source")}}</th><th scope="col">{{say("operators.level")}}</th><th scope="col">{{say("operators.entry")}}</th></tr></thead>
  <tbody>
%   for each in found.entries:
  <tr class="{{each.entry.level}}"><td><time>{{formatting.stamp(each.entry.at)}}</time></td><td>{{each.source}}</td><td>{{formatting.level(say, each.entry.level)}}</td><td><b>{{each.entry.event}}</b> {{each.entry.text}}\\
%     for order in each.entry.orders[:5]:
 <a href="/operator/log?level=debug&amp;order={{order}}"><code>{{order[:8]}}</code></a>\\
%     end
%     if len(each.entry.orders) > 5:
 +{{len(each.entry.orders) - 5}}\\
%     end
</td></tr>
%   end
  </tbody>
</table>
</div>
% end
% if not found.whole:
<p class="hint">{{say("operators.more-entries", count=len(found.entries))}}</p>
% end
