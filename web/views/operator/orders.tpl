% from web.operator import formatting
% rebase("page-layout", heading=say("operators.orders-title"), here="orders")
<h1>{{say("operators.orders")}}</h1>
<form class="filters search" action="/operator/orders">
  <div><label for="find">{{say("operators.find-order")}}</label>
  <input id="find" name="find" value="{{wanted}}" maxlength="200" required autocomplete="off" spellcheck="false" autofocus aria-describedby="how"></div>
  <button>{{say("operators.find")}}</button>
</form>
<p class="hint" id="how">{{say("operators.find-hint")}}</p>
% if found is not None:
%   if not found.whole:
<p class="notice" role="status">{{say("operators.not-all")}}</p>
%   end
%   if not found.orders:
<p role="status">{{say("operators.no-orders")}}</p>
%   else:
<div class="wide" tabindex="0" role="region" aria-label="{{say("operators.orders")}}">
<table>
  <thead><tr><th scope="col">{{say("operators.buyer")}}</th><th scope="col">{{say("operators.event")}}</th><th scope="col">{{say("operators.type")}}</th><th scope="col" class="n">{{say("operators.quantity")}}</th><th scope="col">{{say("operators.state")}}</th><th scope="col">{{say("operators.time")}}</th><th scope="col">{{say("ticket.order")}}</th></tr></thead>
  <tbody>
%     for order in found.orders:
  <tr><th scope="row">{{order.buyer}}</th><td>{{order.event}}</td><td>{{order.type}}</td><td class="n">{{order.quantity}}</td>
    <td>{{say(f"ticket.status.{'checked-in' if order.checked_in_at else order.status}")}}</td><td>{{order.created_at[:19].replace("T", " ")}}</td>
    <td><a href="/operator/orders/{{order.order}}"><code>{{order.number}}</code></a></td></tr>
%     end
  </tbody>
</table>
</div>
%   end
% end
