% rebase("page-layout", heading=say("operators.events-title"), here="events")
<div class="caption"><h1>{{say("operators.events")}}</h1> <a class="button main" href="/operator/new-event">{{say("operators.new-event")}}</a></div>
% for each in found.trouble:
<p class="notice bad" role="alert">{{each}}</p>
% end
% if not found.events:
<p>{{say("operators.no-events")}}</p>
% else:
<div class="wide" tabindex="0" role="region" aria-label="{{say("operators.events")}}">
<table class="cards">
  <thead><tr><th scope="col">{{say("operators.event")}}</th><th scope="col">{{say("operators.sale-is")}}</th><th scope="col">{{say("event.starts")}}</th><th scope="col" class="n">{{say("operators.capacity")}}</th><th scope="col" class="n">{{say("operators.sold")}}</th><th scope="col" class="n">{{say("operators.held")}}</th><th scope="col" class="n">{{say("operators.remaining")}}</th></tr></thead>
  <tbody>
%   for event in found.events:
  <tr><th scope="row"><a href="/operator/events/{{event.name}}">{{event.title}}</a> <code>{{event.name}}</code></th>
    <td class="sale-{{sales[event.name]}}" data-label="{{say("operators.sale-is")}}">{{say(f"operators.sale.{sales[event.name]}")}}</td>
    <td data-label="{{say("event.starts")}}">{{language.moment(event.starts_at, event.timezone) if event.starts_at else "–"}}</td>
%     for figure in ("capacity", "sold", "held", "remaining"):
    <td class="n" data-label="{{say(f"operators.{figure}")}}">{{f"{sum(getattr(each, figure) for each in event.types):,}"}}</td>
%     end
  </tr>
%   end
  </tbody>
</table>
</div>
% end
