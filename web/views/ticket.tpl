% rebase("layout", heading=say("ticket.title", event=ticket.title))
<h1 class="quiet">{{say("ticket.here", count=ticket.quantity)}}</h1>
<article class="ticket" aria-label="{{say("ticket.label")}}">
  <section class="face">
    <p class="event">{{ticket.title}}</p>
    <p class="holder">{{ticket.buyer}}</p>
    <dl class="facts">
      <div><dt>{{say("ticket.type")}}</dt><dd>{{ticket.type}}</dd></div>
      <div><dt>{{say("ticket.admits")}}</dt><dd>{{ticket.quantity}}</dd></div>
% if ticket.total:
      <div><dt>{{say("ticket.price")}}</dt><dd>{{ticket.total}}</dd></div>
% end
      <div><dt>{{say("ticket.status")}}</dt><dd>{{ticket.status}}</dd></div>
    </dl>
  </section>
  <section class="stub">
    <dl>
      <div><dt>{{say("ticket.order")}}</dt><dd class="number"><span>{{ticket.number[:19]}}</span> <span>{{ticket.number[20:]}}</span></dd></div>
      <div><dt>{{say("ticket.bought")}}</dt><dd><time datetime="{{ticket.bought_at}}">{{ticket.bought}}</time></dd></div>
    </dl>
  </section>
</article>
<p class="small">{{say("ticket.keep")}}</p>
<p class="again"><a href="/">{{say("ticket.back")}}</a></p>
