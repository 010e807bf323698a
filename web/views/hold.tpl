% rebase("layout", heading=say("hold.title", heading=hold.heading, event=hold.event.title), scripts=["order.js"], sheets=["ticket.css"])
<div id="order" data-status="{{hold.state}}"{{!" data-pays" if hold.pay else ""}} data-until="{{hold.until_at}}" data-ends-in="{{hold.ends_in_ms}}" data-warn-at="{{hold.warn_ms}}">
<h1 class="quiet" tabindex="-1">{{hold.heading}}</h1>
<p class="lead">{{hold.lead}}</p>
<article class="ticket hold {{hold.state}}" aria-label="{{say("ticket.label")}}">
  <section class="face">
    <p class="event">{{hold.event.title}}</p>
% include("where", event=hold.event)
    <p class="holder">{{hold.order.buyer}}</p>
    <dl class="facts">
      <div><dt>{{say("ticket.type")}}</dt><dd>{{hold.type}}</dd></div>
      <div><dt>{{say("ticket.admits")}}</dt><dd>{{hold.order.quantity}}</dd></div>
      <div><dt>{{say("ticket.price")}}</dt><dd>{{hold.total}}</dd></div>
    </dl>
% if hold.to_pay:
    <p class="owed">{{hold.to_pay}}</p>
% end
  </section>
% if hold.state == "held":
  <section class="stub">
    <div>
      <p class="caption" id="left">{{say("hold.left")}}</p>
      <p class="countdown" id="countdown" role="timer" aria-labelledby="left">{{hold.left}}</p>
    </div>
    <dl><div><dt>{{say("hold.until")}}</dt><dd><time datetime="{{hold.until_at}}" data-clock>{{hold.until}}</time></dd></div></dl>
  </section>
% end
</article>
<div class="notice bad" id="problem" role="alert"{{!"" if hold.notice else " hidden"}}><p>{{hold.notice}}</p></div>
% if hold.state == "held":
<noscript><p class="small">{{say("hold.loaded")}} <a href="/orders/{{hold.order.order}}">{{say("hold.look")}}</a></p></noscript>
<div class="choices">
% if hold.pay and hold.pay.address:
<a class="button first" href="{{hold.pay.address}}">{{hold.pay.label}}</a>
% elif hold.pay:
<p class="first">{{hold.pay.how}}</p>
% else:
<form class="act first" method="post" action="/orders/{{hold.order.order}}/confirm">
<button>{{hold.confirm}}</button>
</form>
% end
% if hold.extend:
<form class="act" method="post" action="/orders/{{hold.order.order}}/extend">
<input type="hidden" name="key" value="{{hold.key}}" autocomplete="off">
<button class="second" aria-describedby="extensions">{{hold.extend}}</button>
</form>
% end
<form class="act" method="post" action="/orders/{{hold.order.order}}/release">
<button class="second">{{say("hold.release")}}</button>
</form>
</div>
<p class="small" id="extensions">{{hold.extensions}}</p>
% else:
<p class="again"><a class="button" href="/?event={{hold.order.event}}">{{say("hold.again")}}</a></p>
% end
</div>
<p class="news" id="news" role="status"></p>
